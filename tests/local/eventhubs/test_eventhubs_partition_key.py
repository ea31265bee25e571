"""Partition keys go where the service would send them."""

import pytest

from local.eventhubs.partition_key import key_hash, partition_of

HASHES = {
    "7": -15263,
    "131": 30562,
    "7149583486996073602": 12977,
    "FWfAT": -22341,
    "sOdeEAsyQoEuEFPGerWO": -6503,
    "event_id": -18082,
    "032575ce-fc7a-4837-a8bb-517012c980f8": 5530,
}
PARTITIONS_OF_4_AND_7 = {"7": (3, 3), "131": (2, 0), "7149583486996073602": (1, 6), "FWfAT": (1, 4), "event_id": (2, 1)}


@pytest.mark.parametrize(("key", "expected"), HASHES.items())
def test_partition_keys_hash_as_in_the_service(key, expected):
    assert key_hash(key) == expected


@pytest.mark.parametrize(("key", "partitions"), PARTITIONS_OF_4_AND_7.items())
def test_partition_keys_go_to_the_partition_of_the_service(key, partitions):
    assert (partition_of(key, 4), partition_of(key, 7)) == partitions
