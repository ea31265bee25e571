// Preloaded into Azurite (`node -r`): a blob operation that was answered survives `kill -9`.
//
// Azurite keeps its metadata in LokiJS and writes it out every five seconds, so it loses up to five seconds of
// acknowledged blobs when it is killed. Here every change of a document is appended to one journal, and no answer is
// finished before what it may tell of is on disk (group commit). Start-up replays the journal over the last snapshot.
"use strict";
const fs = require("fs");
const http = require("http");
const path = require("path");
const { createRequire } = require("module");

const azurite = createRequire(process.argv[1]);

// Each write gets a file of its own, where Azurite fills 50 files of 64 MB at once: one blob that stays would keep all
// the others in its file on disk for ever. What is garbage is deleted each minute, not every ten, and no file is spared
// for ten minutes: those with two writes, the first one empty, are.
const GARBAGE_SECONDS = Number(process.env.AZURITE_GARBAGE_SECONDS || 60);
azurite("../common/utils/constants").DEFAULT_MAX_EXTENT_SIZE = 1;
azurite("../common/utils/constants").DEFAULT_EXTENT_GC_PROTECT_TIME_IN_MS = 0;
azurite("./utils/constants").DEFAULT_GC_INTERVAL_MS = GARBAGE_SECONDS * 1000;
const Loki = azurite("lokijs");
const { default: ExtentStore } = azurite("../common/persistence/FSExtentStore");

const folder = process.argv[process.argv.indexOf("--location") + 1];
const journalPath = path.join(folder, "journal.jsonl");
// A larger journal is replaced by a snapshot, which takes time in proportion to the number of blobs.
const SNAPSHOT_BYTES = Number(process.env.AZURITE_JOURNAL_BYTES || 8 << 20);

// A sign of life each second for `local/supervisor.py`, from this event loop; a full pipe does not stop it.
const pipe = Number(process.env.SUPERVISOR_PIPE || 0);
if (pipe > 0) setInterval(() => fs.write(pipe, ".", () => {}), 1000).unref();

const databases = [];
const replayed = readJournal();
let file = null;
let size = 0;
let snapshotSize = 0;
let lines = []; // recorded, not yet being written
let flight = null; // the write under way
let queued = null; // the write that comes next

function readJournal() {
  if (!fs.existsSync(journalPath)) return [];
  const text = fs.readFileSync(journalPath, "utf8");
  const complete = text.slice(0, text.lastIndexOf("\n") + 1); // a torn last line was never acknowledged
  return complete.split("\n").slice(0, -1).map(parse).filter((line) => line !== null);
}

// Null for what is no line of the journal: a file system that lost power may give a file its length before its bytes,
// which are NULs then, and were never acknowledged.
function parse(line) {
  try {
    return JSON.parse(line);
  } catch (error) {
    console.error(`${journalPath} has a line that is none, which is left out: ${error.message}`);
    return null;
  }
}

function record(collection, id, document) {
  if (file !== null) lines.push(JSON.stringify([collection, id, document]) + "\n");
}

// What a document was last changed to is all that counts, so replaying twice, or over a newer snapshot, is harmless.
function replay(database) {
  for (const collection of database.collections) {
    const last = new Map(replayed.filter(([name]) => name === collection.name).map(([, id, document]) => [id, document]));
    for (const [id, document] of [...last].sort(([a], [b]) => a - b)) {
      const present = collection.get(id);
      if (document === null) {
        if (present) collection.remove(present);
      } else if (present) {
        collection.update(document);
      } else {
        delete document.$loki;
        collection.maxId = id - 1;
        collection.insert(document);
      }
    }
  }
}

// Null if everything recorded is on disk, else a promise of that.
function durable() {
  if (lines.length === 0) return flight;
  if (queued === null) queued = Promise.resolve(flight).then(write);
  return queued;
}

async function write() {
  flight = queued;
  queued = null;
  const data = Buffer.from(lines.join(""));
  lines = [];
  try {
    await file.appendFile(data);
    await file.datasync();
    size += data.length;
    if (size > Math.max(SNAPSHOT_BYTES, snapshotSize)) snapshot();
  } catch (error) {
    console.error(`Azurite stops: it cannot write ${journalPath}: ${error.message}`);
    process.exit(1);
  }
  if (queued === null) flight = null;
}

// Synchronous, so that nothing changes between the snapshot and the end of the journal it replaces.
function snapshot() {
  fs.writeSync(file.fd, lines.join("")); // the journal must not lag behind a snapshot that may be the only one written
  fs.fdatasyncSync(file.fd);
  lines = [];
  snapshotSize = 0;
  for (const database of databases) {
    const text = database.serialize();
    const copy = fs.openSync(database.filename + "~", "w");
    fs.writeFileSync(copy, text);
    fs.fsyncSync(copy);
    fs.closeSync(copy);
    fs.renameSync(database.filename + "~", database.filename);
    snapshotSize += text.length;
  }
  fs.ftruncateSync(file.fd, 0);
  size = 0;
}

Loki.prototype.autosaveEnable = function () {
  databases.push(this);
};
Loki.prototype.saveDatabase = (done) => done && done(null);

// Of a query's members Loki looks the first up in an index, and compares all documents that it finds for the others.
// Azurite asks for the account and the container first, which all blobs share, and for the name last.
const { $and } = Loki.Resultset.prototype;
Loki.Resultset.prototype.$and = function (members) {
  const isName = ({ name }) => typeof name === "string";
  return $and.call(this, [...members.filter(isName), ...members.filter((member) => !isName(member))]);
};

const load = Loki.prototype.loadDatabase;
Loki.prototype.loadDatabase = function (options, done) {
  load.call(this, options, (error) => {
    if (!error) replay(this);
    done(error);
  });
};

const { insertOne, update, remove, removeBatchByPositions } = Loki.Collection.prototype;
Object.assign(Loki.Collection.prototype, {
  insertOne(...given) {
    const document = insertOne.apply(this, given);
    record(this.name, document.$loki, document);
    return document;
  },
  update(given) {
    const document = update.call(this, given);
    record(this.name, document.$loki, document);
    return document;
  },
  remove(document) {
    const id = document.$loki;
    const removed = remove.call(this, document);
    record(this.name, id, null);
    return removed;
  },
  removeBatchByPositions(positions) {
    const ids = positions.map((position) => this.data[position].$loki);
    const result = removeBatchByPositions.call(this, positions);
    for (const id of ids) record(this.name, id, null);
    return result;
  },
});

// Garbage collection may unlink an extent only after the change that made it garbage is on disk. Before a blob refers to
// what was written for it, and while somebody still reads it, an extent looks like garbage once, but not twice.
const { deleteExtents } = ExtentStore.prototype;
let suspects = new Set();
ExtentStore.prototype.deleteExtents = async function (extents) {
  const found = new Set(extents);
  const garbage = [...found].filter((id) => suspects.has(id));
  suspects = found;
  await durable();
  return deleteExtents.call(this, garbage);
};

// What was being written when Azurite was killed is on disk, and nothing tells of it: garbage collection does not know it.
// Without any extent, the database may be what is lost.
function deleteUnknown() {
  const collection = databases.map((one) => one.getCollection("$EXTENTS_COLLECTION$")).find((one) => one);
  const blobs = path.join(folder, "__blobstorage__");
  if (!collection || collection.count() === 0 || !fs.existsSync(blobs)) return;
  const known = new Set(collection.find().map(({ id }) => id));
  for (const name of fs.readdirSync(blobs)) {
    if (!known.has(name)) fs.rmSync(path.join(blobs, name), { recursive: true, force: true });
  }
}

// Azurite spares the files that it wrote last, 50 of them: one that is written in parallel may be the last of its kind
// for ever. Only a file that is being written, or is still empty, is written on.
ExtentStore.prototype.isActiveExtent = function (id) {
  return this.activeWriteExtents.some((one) => one.id === id && (one.appendStatus !== 0 || one.offset === 0));
};

const { end } = http.ServerResponse.prototype;
http.ServerResponse.prototype.end = function (...given) {
  const waiting = durable();
  if (waiting === null) return end.apply(this, given);
  waiting.then(() => end.apply(this, given));
  return this;
};

const { listen } = http.Server.prototype;
http.Server.prototype.listen = function (...given) {
  fs.promises.open(journalPath, "a").then((opened) => {
    file = opened;
    snapshot();
    deleteUnknown();
    listen.apply(this, given);
  });
  return this;
};
