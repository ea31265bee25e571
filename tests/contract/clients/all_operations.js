// @azure-rest/ai-personalizer does every operation it knows, once, on the loop at argv[2] with its admin key argv[3].
// argv[4] and argv[5] are a batch of decisions and one of outcomes, in base64.
// Prints { "METHOD /path": { status, body } }. Its isUnexpected() is wrong for every path with a parameter.
const { default: createClient } = require("@azure-rest/ai-personalizer");

const [endpoint, key, decisions, outcomes] = process.argv.slice(2);
const client = createClient(endpoint, { key }, { allowInsecureConnection: true });
const answers = {};

async function call(method, path, parameters = [], options = {}) {
  const { status, body } = await client.path(path, ...parameters)[method](options);
  answers[`${method.toUpperCase()} ${path}`] = { status: Number(status), body };
  return body;
}

const configuration = {
  rewardWaitTime: "PT1S",
  defaultReward: 0,
  rewardAggregation: "earliest",
  explorationPercentage: 0.2,
  modelExportFrequency: "PT1S",
  logRetentionDays: 7,
  learningMode: "Online",
};
const actions = ["a", "b", "c"].map((id) => ({ id, features: [{ kind: id }] }));
const policy = { name: "mine", arguments: "--cb_explore_adf --epsilon 0.2 --cb_type mtr -l 0.5 -q ::" };
const slots = [
  { id: "top", baselineAction: "a", features: [{ size: "large" }] },
  { id: "side", baselineAction: "b", excludedActions: ["c"] },
];
const evaluation = { name: "mine", startTime: "2026-01-01T00:00:00Z", endTime: "2026-01-02T00:00:00Z", policies: [] };
const octets = (body) => ({ contentType: "application/octet-stream", body: new Uint8Array(body) });

// The model as bytes: what the client makes of a body that is not text, it cannot send back.
async function model() {
  const { status, body } = await client
    .path("/model")
    .get({ queryParameters: { signed: true } })
    .asNodeStream();
  const chunks = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  answers["GET /model"] = { status: Number(status), body: { length: bytes.length, start: bytes.toString("latin1", 0, 2) } };
  return new Uint8Array(bytes);
}

async function trained() {
  for (let second = 0; second < 60; second++) {
    const { creationTime } = await call("get", "/model/properties");
    if (!creationTime.startsWith("0001")) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function main() {
  await call("get", "/configurations/service");
  await call("put", "/configurations/service", [], { body: configuration });
  await call("get", "/configurations/policy");
  await call("put", "/configurations/policy", [], { body: policy });
  await call("delete", "/configurations/policy");
  const { eventId } = await call("post", "/rank", [], { body: { actions, deferActivation: true } });
  await call("post", "/events/{eventId}/activate", [eventId]);
  await call("post", "/events/{eventId}/reward", [eventId], { body: { value: 1 } });
  await trained();
  await call("put", "/model", [], octets(await model()));
  await call("delete", "/model");
  await call("get", "/logs/properties");
  await call("delete", "/logs");
  await call("post", "/logs/interactions", [], octets(Buffer.from(decisions, "base64")));
  await call("post", "/logs/observations", [], octets(Buffer.from(outcomes, "base64")));
  await call("get", "/evaluations");
  await call("post", "/evaluations", [], { body: evaluation });
  await call("get", "/evaluations/{evaluationId}", ["e"]);
  await call("delete", "/evaluations/{evaluationId}", ["e"]);
  const reference = { evaluationId: "e", policyName: "mine" };
  await call("post", "/configurations/applyFromEvaluation", [], { body: reference });
  const manySlots = { ...policy, arguments: "--ccb_explore_adf --epsilon 0.2 --cb_type mtr -l 0.5 -q ::" };
  await client.path("/configurations/policy").put({ body: manySlots });
  await call("post", "/multislot/rank", [], { body: { actions, slots, eventId: "many", deferActivation: true } });
  await call("post", "/multislot/events/{eventId}/activate", ["many"]);
  const reward = [{ slotId: "top", value: 1 }];
  await call("post", "/multislot/events/{eventId}/reward", ["many"], { body: { reward } });
  console.log(JSON.stringify(answers));
}

main();
