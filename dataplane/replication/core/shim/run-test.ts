/**
 * Runs a Go test binary that was compiled to WebAssembly: `go test -exec` starts it with the binary
 * and its arguments, in the folder of the package. The test sees that folder and nothing else.
 */
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';

declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: object }>;
};

const [binary, ...testArguments] = process.argv.slice(2);
if (binary === undefined) {
  throw new Error('usage: run-test.ts BINARY [ARGUMENT ...]');
}
const folder = process.cwd();
const wasi = new WASI({
  version: 'preview1',
  args: [binary, ...testArguments],
  env: { PWD: folder },
  preopens: { [folder]: folder },
});
const { instance } = await WebAssembly.instantiate(
  await readFile(binary),
  wasi.getImportObject() as object,
);
process.exitCode = wasi.start(instance);
