/** A signing key that never leaves AWS KMS. */
import { createHash } from 'node:crypto';
import { messageOf, TickmarkError } from '../evidence/errors.ts';
import { isSignatureOf, publicKeyFrom, type Signer } from './signature.ts';

const connectTimeoutMs = 5_000;
/** For one attempt. KMS answers in milliseconds. */
const answerTimeoutMs = 10_000;
const mostAttempts = 5;

/** A key or an alias; both are named with account and region, so that no profile decides them. */
const arnForm =
  /^arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:(?:key\/[A-Za-z0-9-]+|alias\/[A-Za-z0-9/_-]+)$/;

const keyErrors =
  /^(NotFoundException|InvalidArnException|ValidationException|UnsupportedOperationException|InvalidKeyUsageException)$/;
const stateErrors = /^(DisabledException|KMSInvalidStateException|KeyUnavailableException)$/;
const deniedErrors = /^(AccessDenied|AccessDeniedException|NotAuthorizedException)$/;
const credentialErrors =
  /^(CredentialsProviderError|ExpiredToken|ExpiredTokenException|InvalidClientTokenId|UnrecognizedClientException|InvalidSignatureException|IncompleteSignature|MissingAuthenticationTokenException)$/;

/**
 * A signer of a KMS key: `kms:GetPublicKey` now, `kms:Sign` for each signature, with the SDK's
 * default credentials (https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html).
 * @param arn of a key or an alias; its region is the one that is asked.
 * @param timeoutMs for one call with all its attempts.
 * @throws TickmarkError InvalidConfiguration: no ARN, no such key, or a key of another kind;
 * StoreUnavailable, so does `sign`: KMS does not answer or refuses, and nothing can be sealed.
 */
export async function kmsSigner(
  arn: string,
  { timeoutMs = 30_000 }: { timeoutMs?: number } = {},
): Promise<Signer> {
  const name = `kms:${arn}`;
  const region = arnForm.exec(arn)?.[1];
  if (region === undefined) {
    throw new TickmarkError(
      'InvalidConfiguration',
      `${name} is not the ARN of a KMS key; write kms:arn:aws:kms:<region>:<account>:key/<id>, or alias/<name>`,
    );
  }
  // The SDK's note about old Node versions is for its developers; package.json pins both.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const { GetPublicKeyCommand, KMSClient, SignCommand } = await import('@aws-sdk/client-kms');
  const client = new KMSClient({
    region,
    maxAttempts: mostAttempts,
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      requestTimeout: answerTimeoutMs,
      throwOnRequestTimeout: true,
    },
  });
  /** The SDK waits out its pauses, and an answer that trickles in, whatever the signal says. */
  const within = async <T>(permission: string, call: (signal: AbortSignal) => Promise<T>) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const late = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    try {
      return await Promise.race([call(signal), late]);
    } catch (cause) {
      throw refusal(cause, name, permission);
    }
  };

  const told = await within('kms:GetPublicKey', (abortSignal) =>
    client.send(new GetPublicKeyCommand({ KeyId: arn }), { abortSignal }),
  );
  if (told.KeySpec !== 'ECC_NIST_P256' || told.KeyUsage !== 'SIGN_VERIFY') {
    throw wrongKey(name, `is a key of spec ${told.KeySpec} for ${told.KeyUsage}`);
  }
  const publicKey = publicKeyFrom(told.PublicKey ?? Buffer.alloc(0));
  if (publicKey === undefined) {
    throw unavailable(
      `${name}: kms:GetPublicKey gave no key on P-256; check AWS_ENDPOINT_URL and any proxy between`,
    );
  }
  return {
    publicKey,
    name,
    async sign(bytes) {
      // A message of more than 4096 bytes cannot be sent, its digest can.
      const Message = createHash('sha256').update(bytes).digest();
      const { Signature } = await within('kms:Sign', (abortSignal) =>
        client.send(
          new SignCommand({
            KeyId: arn,
            Message,
            MessageType: 'DIGEST',
            SigningAlgorithm: 'ECDSA_SHA_256',
          }),
          { abortSignal },
        ),
      );
      const signature = Buffer.from(Signature ?? []);
      if (isSignatureOf(publicKey, bytes, signature)) return signature;
      throw unavailable(
        `${name} gave a signature that its own public key does not verify; run again if an alias was moved to another key meanwhile, else check AWS_ENDPOINT_URL`,
      );
    },
  };
}

/** What the SDK threw, as a sentence that says what to do. */
function refusal(thrown: unknown, name: string, permission: string): TickmarkError {
  const error = thrown instanceof Error ? thrown.name : 'Error';
  const said = messageOf(thrown).replace(/\s+/g, ' ').trim().slice(0, 200);
  const options = { cause: thrown };
  if (keyErrors.test(error)) return wrongKey(name, `cannot sign (${said})`, options);
  if (stateErrors.test(error)) {
    return unavailable(
      `${name} is not in use (${said}); enable it, or name another key in signing:`,
      options,
    );
  }
  if (deniedErrors.test(error)) {
    return unavailable(
      `${name}: allow ${permission} on this key to the role that runs Tickmark, in the key's policy and in its own (${said})`,
      options,
    );
  }
  if (credentialErrors.test(error)) {
    return unavailable(
      `${name}: AWS did not accept the credentials for ${permission} (${said}); set AWS_PROFILE or AWS_ACCESS_KEY_ID, or sign in again`,
      options,
    );
  }
  return unavailable(
    `${name}: ${permission} has no answer (${error}: ${said}); check the network, the proxy and AWS_ENDPOINT_URL, then run again`,
    options,
  );
}

function wrongKey(name: string, what: string, options?: { cause: unknown }): TickmarkError {
  return new TickmarkError(
    'InvalidConfiguration',
    `${name} ${what}; name a key of spec ECC_NIST_P256 for SIGN_VERIFY (aws kms create-key --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY)`,
    options,
  );
}

function unavailable(message: string, options?: { cause: unknown }): TickmarkError {
  return new TickmarkError('StoreUnavailable', `${message}; nothing was sealed`, options);
}
