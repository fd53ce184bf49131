import { describe, expect, it } from 'vitest';
import { accessFaults } from '../errors/access.ts';
import { validationFault } from '../errors/client-fault.ts';
import { signatureFaults } from '../errors/transport.ts';
import { AccessDenials } from './denials.ts';

describe('denials', () => {
  it.each([
    ['no signature', signatureFaults.missingToken(), 'signature'],
    ['a malformed one', signatureFaults.credentialForm('x'), 'signature'],
    ['a wrong one', signatureFaults.mismatch('', ''), 'signature'],
    ['a wrong scope', signatureFaults.credentialScope('x'), 'signature'],
    ['an unknown key', signatureFaults.invalidToken(), 'token'],
    ['one of long ago', signatureFaults.expired('a', 'b', 'c', 15), 'expired'],
    ['one of later', signatureFaults.notYetCurrent('a', 'b', 'c', 15), 'expired'],
    ['a policy', accessFaults.denied('a', 'b', 'c'), 'policy'],
  ])('%s is counted by its reason', (_, fault, reason) => {
    const denials = new AccessDenials();
    denials.addThrown('GetItem', fault);
    denials.addThrown('GetItem', fault);
    denials.addThrown('Scan', fault);
    expect(denials.all).toEqual([
      { operation: 'GetItem', reason, count: 2 },
      { operation: 'Scan', reason, count: 1 },
    ]);
  });

  it('are not what the operation says, nor what goes wrong here', () => {
    const denials = new AccessDenials();
    denials.addThrown('GetItem', validationFault('x'));
    denials.addThrown('GetItem', new Error('x'));
    expect(denials.all).toEqual([]);
  });
});
