// Node's own errors are of another realm than jest's sandbox, so that `error instanceof Error` is false there and the AWS SDK replaces what the
// network said by a text without its code. Here the sandbox has the process's Error. Asked for by a docblock of the test file.
const { TestEnvironment } = require("jest-environment-node");

module.exports = class OneRealmEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.global.Error = Error;
  }
};
