// @azure-rest/ai-personalizer against the service at argv[2] with the admin key argv[3]: its answers as JSON.
// Its isUnexpected() is wrong for every path with a parameter, so statuses are reported.
const { default: createClient } = require("@azure-rest/ai-personalizer");

const [endpoint, key] = process.argv.slice(2);
const client = createClient(endpoint, { key }, { allowInsecureConnection: true });

const rankRequest = {
  eventId: "rest/event 1 ä",
  contextFeatures: [{ timeOfDay: "Morning" }],
  actions: [
    { id: "NewsArticle", features: [{ type: "News" }] },
    { id: "SportsArticle", features: [{ type: "Sports" }] },
  ],
};

async function main() {
  const rank = await client.path("/rank").post({ body: rankRequest });
  const activate = await client.path("/events/{eventId}/activate", rankRequest.eventId).post();
  const reward = await client.path("/events/{eventId}/reward", rankRequest.eventId).post({ body: { value: 1 } });
  const read = await client.path("/configurations/service").get();
  const written = await client.path("/configurations/service").put({ body: read.body });
  const policy = await client.path("/configurations/policy").get();
  const properties = await client.path("/model/properties").get();
  const invalid = await client.path("/rank").post({ body: { actions: [] } });
  const answers = { rank, activate, reward, read, written, policy, properties, invalid };
  for (const [name, { status, body }] of Object.entries(answers)) answers[name] = { status: Number(status), body };
  console.log(JSON.stringify(answers));
}

main();
