// The Firestore server of @firestore-emulator/server on a free port of 127.0.0.1, which it prints.
//
// That server answers the requests of a transaction, but lets each commit through. Here a commit is refused with
// ABORTED where a document that its transaction read has changed since, as Firestore does it.
const { randomBytes } = require("node:crypto");
const { createRequire } = require("node:module");
const path = require("node:path");

const installed = createRequire(path.join(process.argv[2], "package.json"));
const { FirestoreServer } = installed("@firestore-emulator/server");
const { ServerCredentials, status } = installed("@grpc/grpc-js");

const emulator = new FirestoreServer();
const versions = new Map();
const transactions = new Map();
const version = (name) => versions.get(name) ?? 0;

for (const event of ["create-document", "update-document", "delete-document"]) {
  emulator.state.emitter.on(event, ({ document }) => versions.set(document.getPath(), version(document.getPath()) + 1));
}

const replace = (method, make) => {
  const handler = emulator.server.handlers.get(`/google.firestore.v1.Firestore/${method}`);
  handler.func = make(handler.func);
};

replace("BatchGetDocuments", (original) => (call) => {
  if (call.request.has_new_transaction) {
    const id = randomBytes(12);
    transactions.set(id.toString("hex"), new Map(call.request.documents.map((name) => [name, version(name)])));
    const write = call.write.bind(call);
    call.write = (answer) => {
      if (answer.transaction.length) answer.transaction = id;
      return write(answer);
    };
  }
  original(call);
});

replace("Commit", (original) => (call, callback) => {
  const id = Buffer.from(call.request.transaction).toString("hex");
  if (id) {
    const read = transactions.get(id);
    transactions.delete(id);
    if (!read) return callback({ code: status.INVALID_ARGUMENT, message: "no such transaction" });
    if ([...read].some(([name, seen]) => version(name) !== seen)) {
      return callback({ code: status.ABORTED, message: "Aborted due to cross-transaction contention." });
    }
  }
  original(call, callback);
});

replace("Rollback", (original) => (call, callback) => {
  const id = Buffer.from(call.request.transaction).toString("hex");
  if (!transactions.delete(id)) return callback({ code: status.INVALID_ARGUMENT, message: "no such transaction" });
  original(call, callback);
});

emulator.server.bindAsync(`127.0.0.1:${process.argv[3] ?? 0}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});
