/** A refusal the caller can act on; the code is stable, the message is for people. */
export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
