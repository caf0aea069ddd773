// Starts the language server and connects it to the editor.
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  const command = workspace.getConfiguration("tilery").get("server");
  client = new LanguageClient("tilery", "tilery", { command, args: [] }, { documentSelector: [{ language: "tk" }] });
  return client.start();
};

exports.deactivate = () => client && client.stop();
