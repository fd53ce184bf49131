import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../replication/transport/authority.fixture.ts';
import { OPERATOR_CERTIFICATE_NAME } from '../replication/transport/certificate.ts';
import type { TlsMaterial } from '../replication/transport/options.ts';

/** Who signs, and whose signatures count. */
export interface Issue {
  readonly signer: Authority;
  readonly trusted: readonly Authority[];
}

/** Certificates of all processes of a cluster, in a folder as kubelet keeps a mounted Secret. */
export class ClusterCertificates {
  /** As the topology has them. */
  static readonly files = { ca: 'tls/ca.crt', cert: 'tls/{id}.crt', key: 'tls/{id}.key' } as const;
  readonly #folder: string;
  readonly #ids: readonly string[];
  readonly #authorities: Authority[] = [];
  #operator: TlsMaterial;
  #issuesCount = 0;

  /** @param folder of the topology */
  constructor(folder: string, ids: readonly string[]) {
    this.#folder = join(folder, 'tls');
    this.#ids = ids;
    mkdirSync(this.#folder);
    const signer = this.newAuthority();
    this.#operator = this.issue({ signer, trusted: [signer] });
  }

  /** The operator's, of the latest issue. */
  get operator(): TlsMaterial {
    return this.#operator;
  }

  get firstAuthority(): Authority {
    const [first] = this.#authorities;
    if (first === undefined) throw new Error('there is one from the start');
    return first;
  }

  newAuthority(): Authority {
    const authority = new Authority();
    this.#authorities.push(authority);
    return authority;
  }

  /** New certificates for everybody: all files change at once, by the swap of one link. */
  issue({ signer, trusted }: Issue): TlsMaterial {
    this.#issuesCount += 1;
    const version = `..${this.#issuesCount}`;
    mkdirSync(join(this.#folder, version));
    const ca = trusted.map((authority) => authority.ca).join('');
    const write = (name: string, pem: string) => {
      writeFileSync(join(this.#folder, version, name), pem);
      if (this.#issuesCount > 1) return;
      symlinkSync(join('..data', name), join(this.#folder, name));
    };
    write('ca.crt', ca);
    for (const id of this.#ids) {
      const { cert, key } = signer.sign(id);
      write(`${id}.crt`, cert);
      write(`${id}.key`, key);
    }
    symlinkSync(version, join(this.#folder, '..data.new'));
    renameSync(join(this.#folder, '..data.new'), join(this.#folder, '..data'));
    this.#operator = { ...signer.sign(OPERATOR_CERTIFICATE_NAME), ca };
    return this.#operator;
  }

  remove(): void {
    for (const authority of this.#authorities) authority.remove();
  }
}
