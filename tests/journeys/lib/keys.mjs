// The operator of a roll-over: new keys at the stand-in WeChat Pay, and the hospital's secret in Secrets Manager.
import fs from 'node:fs';
import path from 'node:path';
import { hospitalSecrets } from '../../wechat/identities.mjs';
import { PREFIX, control, settings } from './stack.mjs';

const STATE = path.dirname(settings.PAY_PLATFORM_KEY_FILE);
const SECRET = `${PREFIX}/pay`;
const AUTHORIZATION = 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/secretsmanager/aws4_request';

async function secretsManager(action, body) {
  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `secretsmanager.${action}` };
  const response = await fetch(settings.AWS_ENDPOINT_URL, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (response.status !== 200) throw new Error(`${action}: ${JSON.stringify(answer)}`);
  return answer;
}

/** What the hospital holds now. */
export const readSecret = async () => JSON.parse((await secretsManager('GetSecretValue', { SecretId: SECRET })).SecretString);
export const storeSecret = (secret) => secretsManager('PutSecretValue', { SecretId: SECRET, SecretString: JSON.stringify(secret) });

/** What the hospital should hold by what WeChat Pay has issued: the current keys, and the previous ones while they are good. */
export function issuedSecret() {
  const config = JSON.parse(fs.readFileSync(path.join(STATE, 'config.json'), 'utf8'));
  return { app_id: config.app_id, ...hospitalSecrets(STATE, config).pay };
}

export const rollKey = (kind) => control('keys', { roll: kind });
export const retireKey = (kind) => control('keys', { retire: kind });
export const undoRoll = (kind) => control('keys', { undo: kind });
