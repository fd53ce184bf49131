/**
 * The ceiling of one Node process: node:http that reads each request's body and answers with fixed bytes and
 * the headers of a DynamoDB answer. Its parent sends the body to answer with; it sends back that it is set.
 */
import { createServer } from 'node:http';
import { crc32 } from 'node:zlib';

let answer = Buffer.from('{}');
let checksum = String(crc32(answer));
const requestId = '4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(200, {
      'Content-Type': 'application/x-amz-json-1.0',
      'Content-Length': answer.length,
      'x-amzn-RequestId': requestId,
      'x-amz-crc32': checksum,
    });
    response.end(answer);
  });
});

process.on('message', (text: string) => {
  answer = Buffer.from(text);
  checksum = String(crc32(answer));
  process.send?.('set');
});
process.on('disconnect', () => process.exit(0));

server.keepAliveTimeout = 0;
server.listen(Number(process.argv[2]), '127.0.0.1');
