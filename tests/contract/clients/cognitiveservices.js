// @azure/cognitiveservices-personalizer against the service at argv[2] with the key argv[3]: its answers as JSON.
const { CognitiveServicesCredentials } = require("@azure/ms-rest-azure-js");
const { PersonalizerClient } = require("@azure/cognitiveservices-personalizer");

const [endpoint, key] = process.argv.slice(2);
const client = new PersonalizerClient(new CognitiveServicesCredentials(key), endpoint);

const rankRequest = {
  eventId: "npm/event 1 ä",
  contextFeatures: [{ timeOfDay: "Morning" }],
  actions: [
    { id: "NewsArticle", features: [{ type: "News" }, { nested: { words: 120, vector: [1, 2.5] } }] },
    { id: "SportsArticle", features: [{ type: "Sports" }] },
    { id: "EntertainmentArticle", features: [{ type: "Entertainment" }] },
  ],
  excludedActions: ["SportsArticle"],
  deferActivation: true,
};

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return { status: error.statusCode, code: error.body?.error?.code };
  }
}

async function main() {
  const rank = await client.rank(rankRequest);
  const activate = await client.events.activate(rank.eventId);
  const reward = await client.events.reward(rank.eventId, { value: 0.5 });
  const stranger = new PersonalizerClient(new CognitiveServicesCredentials("wrong"), endpoint);
  console.log(
    JSON.stringify({
      rank: { status: rank._response.status, ...rank },
      activate: activate._response.status,
      reward: reward._response.status,
      invalid: await refusal(() => client.rank({ actions: [] })),
      unauthorized: await refusal(() => stranger.rank(rankRequest)),
      outOfRange: await refusal(() => client.events.reward("e", { value: 7 })),
    }),
  );
}

main();
