import {
  type ClientSettings,
  GoClient,
  hasGo,
  hasJava,
  JavaClients,
  nodeClient,
  pythonClient,
} from './client-commands.ts';
import type { ClientCommand } from './client-process.ts';

export interface OfficialClient {
  readonly name: ClientName;
  readonly title: string;
  readonly language: 'node' | 'python' | 'go' | 'java';
}

export type ClientName = 'v3' | 'v1' | 'python' | 'go1' | 'go2' | 'java1' | 'java2';

const all: readonly OfficialClient[] = [
  { name: 'v3', title: '@amazon-dax-sdk/client-dax', language: 'node' },
  { name: 'v1', title: 'amazon-dax-client for Node', language: 'node' },
  { name: 'python', title: 'amazon-dax-client for Python', language: 'python' },
  { name: 'go1', title: 'aws-dax-go', language: 'go' },
  { name: 'go2', title: 'aws-dax-go-v2', language: 'go' },
  { name: 'java1', title: 'amazon-dax-client 1 for Java', language: 'java' },
  { name: 'java2', title: 'amazon-dax-client 2 for Java', language: 'java' },
];

/** For tests: the official clients, those for Go and Java where these can be built. */
export class OfficialClients {
  readonly here: readonly OfficialClient[];
  readonly missing: readonly OfficialClient[];
  readonly #go = new Map<'go1' | 'go2', GoClient>();
  #java: JavaClients | undefined;

  /** Of these names only, if any are given. */
  static async find(...names: readonly ClientName[]): Promise<OfficialClients> {
    const isHere = { node: true, python: true, go: await hasGo(), java: await hasJava() };
    const wanted = all.filter(({ name }) => names.length === 0 || names.includes(name));
    return new OfficialClients(
      wanted.filter(({ language }) => isHere[language]),
      wanted.filter(({ language }) => !isHere[language]),
    );
  }

  private constructor(here: readonly OfficialClient[], missing: readonly OfficialClient[]) {
    this.here = here;
    this.missing = missing;
  }

  /** Builds what is to be built: for a `beforeAll`. */
  async build(): Promise<void> {
    for (const { name, language } of this.here) {
      if (name === 'go1' || name === 'go2') {
        this.#go.set(name, await GoClient.build(name === 'go1' ? 'go-v1' : 'go-v2'));
      }
      if (language === 'java') this.#java ??= await JavaClients.build();
    }
  }

  async command({ name }: OfficialClient, settings: ClientSettings): Promise<ClientCommand> {
    switch (name) {
      case 'v3':
      case 'v1':
        return nodeClient(name, settings);
      case 'python':
        return pythonClient(settings);
      case 'go1':
      case 'go2':
        return built(this.#go.get(name)).command(settings);
      case 'java1':
        return built(this.#java).command('ClientV1', settings);
      case 'java2':
        return built(this.#java).command('ClientV2', settings);
    }
  }

  remove(): void {
    for (const client of this.#go.values()) client.remove();
    this.#java?.remove();
  }
}

function built<Client>(client: Client | undefined): Client {
  if (client === undefined) throw new Error('it is built before it is asked for');
  return client;
}
