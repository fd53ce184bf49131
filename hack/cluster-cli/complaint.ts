/** What keeps a command from being done; one line for people. */
export class Complaint extends Error {
  /** 2: the command line was wrong. */
  readonly status: 1 | 2;
  constructor(message: string, status: 1 | 2 = 1) {
    super(message);
    this.status = status;
  }
}
