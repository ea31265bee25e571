import pytest

from shared.vw import allowed_options, meaning, options, policy

SAME_AS_HISTORIC = [
    "--cb_explore_adf --epsilon 0.2 --power_t 0 -l 0.001 --cb_type mtr -q ::",
    "-q:: -l 1e-3 --power_t=0.0 --cb_explore_adf --epsilon 0.9 -b 18",
    "--cb_adf --cb_explore_adf --cb_type mtr --csoaa_ldf multiline --csoaa_rank --epsilon 0.200000002980232"
    " --learning_rate 0.00100000004749745 --power_t 0 --quadratic ::",
    "--cb_explore_adf --interactions :: --learning_rate .001 --power_t 0 --quiet --id x --save_resume -P 1",
]


@pytest.mark.parametrize("arguments", SAME_AS_HISTORIC)
def test_one_policy_in_other_words(arguments: str) -> None:
    historic = meaning.meaning(allowed_options.parse(policy.HISTORIC_ARGUMENTS))
    assert meaning.meaning(allowed_options.parse(arguments)) == historic


@pytest.mark.parametrize(
    "arguments",
    [
        "--cb_explore_adf --power_t 0 -l 0.001",
        "--cb_explore_adf --power_t 0 -l 0.002 -q ::",
        "--cb_explore_adf --power_t 0 -l 0.001 -q :: -b 20",
        "--ccb_explore_adf --power_t 0 -l 0.001 -q ::",
    ],
)
def test_other_policies(arguments: str) -> None:
    historic = meaning.meaning(allowed_options.parse(policy.HISTORIC_ARGUMENTS))
    assert meaning.meaning(allowed_options.parse(arguments)) != historic


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        ("--cb_explore_adf -q ::", True),  # a model that cannot learn says nothing of rates
        ("--cb_explore_adf -q :: -l 0.001", True),
        ("--cb_explore_adf -q :: -l 0.1", False),
        ("--cb_explore_adf -q :: --bag 2", False),
        ("--cb_explore_adf", False),
    ],
)
def test_which_models_a_policy_may_have_made(model: str, kept: bool) -> None:
    of_policy, of_model = (meaning.meaning(allowed_options.parse(one)) for one in (policy.HISTORIC_ARGUMENTS, model))
    assert meaning.may_be_of(of_model, of_policy) == kept


@pytest.mark.parametrize("name", policy.NAMED)
def test_named_policies_are_allowed_as_they_are(name: policy.PolicyName) -> None:
    assert options.written(allowed_options.parse(policy.NAMED[name])) == policy.NAMED[name]


# Options that read, write, listen, change the input, or are not of a bandit.
OTHERS = """-d x|--data x|-f x|--final_regressor x|-i x|--initial_regressor=x|-p x|--predictions x|-r x|-c|-k|--cache
--raw_predictions x|--cache_file x|--audit_regressor x|--daemon|--port 1|--sendto x|--feature_mask x|--dictionary a:x
--dictionary_path x|--readable_model x|--invert_hash x|--extra_metrics x|--input_feature_regularizer x|--csv|--binary
--output_feature_regularizer_text x|--pid_file x|--span_server x|--flatbuffer|--dry_run|--predict_only_model|--ngram 2
--oaa 2|--search 1|--bfgs|--passes 9|--cbify 2|-t|--testonly|-a|--audit|--help|-h|--dump_json_weights_experimental x
--eps 0.1|--cb_exp|--thread_pool_size 4|--marginal a|--quiet=1|--|-|x""".replace("\n", "|").split("|")  # fmt: skip


@pytest.mark.parametrize("option", OTHERS)
def test_an_option_of_another_kind_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match=r"is not an option|is not allowed"):
        allowed_options.parse(f"--cb_explore_adf {option}")


@pytest.mark.parametrize(
    "option",
    [
        "-b 23", "-b 7", "-b x", "-b -5", "-b 1e1", "--bag 33", "--bag 0", "--cover ٣", "--epsilon 1.1",
        "--epsilon nan", "--epsilon -0.1", "--power_t inf", "-l 0x1", "--l1 -1", "-q a", "-q abc", "-q -d",
        "--cubic --daemon", "-q é:", "-q |a", "--interactions abcd", "--cb_type x", "--csoaa_ldf singleline",
        "--random_seed 18446744073709551616", "--squarecb=true", "--first 0", "--synthcoversize 5000",
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match="is not allowed"):
        allowed_options.parse(f"--cb_explore_adf {option}")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--cb_explore_adf -b 22 --bag 8", "too much memory"),
        ("--cb_explore_adf --epsilon", "needs a value"),
        ("--cb_explore_adf --id", "needs a value"),
        ("--cb_explore_adf bag 3", "'bag' is not an option"),
        ("--cb_explore_adf quiet", "'quiet' is not an option"),
        ("--cb_explore_adf -q :: ab", "'ab' is not an option"),
        ("--cb_explore_adf -l 1 --learning_rate 2", "given twice"),
        ("--cb_explore_adf --cb_explore_adf", "given twice"),
        ("--cb_adf", "must explore"),
        ("", "must explore"),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        allowed_options.parse(arguments)
