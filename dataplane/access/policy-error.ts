/** A policy document, or a file of them, is not well formed. The message is one line and names the place. */
export class PolicyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PolicyError';
  }
}
