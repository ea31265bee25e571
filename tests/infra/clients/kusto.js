// Kusto's own language service reads queries: `node kusto.js FOLDER` takes {"tables": {name: "(Column:type, ...)"},
// "queries": {name: text}} from standard input and prints, by query, what is wrong with it: [code, message] each.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

for (const script of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(process.argv[2], script), "utf8"), { filename: script });
}
const { Kusto } = globalThis;
const { Symbols } = Kusto.Language;

const { tables, queries } = JSON.parse(fs.readFileSync(0, "utf8"));
const known = Object.entries(tables).map(([name, columns]) => Symbols.TableSymbol.From(columns).WithName(name));
const database = new Symbols.DatabaseSymbol.$ctor1("logs", known);
const globals = Kusto.Language.GlobalState.Default.WithDatabase(database);

const told = {};
for (const [name, query] of Object.entries(queries)) {
  const found = Kusto.Language.KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  told[name] = [];
  for (let at = 0; at < found.Count; at++) {
    const one = found.getItem(at);
    told[name].push([one.Code, one.Message]);
  }
}
console.log(JSON.stringify(told));
