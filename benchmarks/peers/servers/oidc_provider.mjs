// oidc-provider, set up to be measured.
//
//   node oidc_provider.mjs [--port 0] [--sqlite FILE]
//
// Without a file it keeps everything in memory, by its own adapter; with one, in SQLite
// with a write-ahead log and full syncs, by the adapter below. Beside the provider's
// endpoints there are /bench/grants and /bench/codes, which give what the instrument's
// --token-command prints, and /bench/protected, which an access token opens.
//
// The package is found beside this file, or in the directory PEER_MODULES.

import { randomBytes, createHash } from 'node:crypto';
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: { port: { type: 'string', default: '0' }, sqlite: { type: 'string' } },
});
const modules = process.env.PEER_MODULES;
const { Provider } = await import(
  modules
    ? pathToFileURL(path.join(modules, 'oidc-provider/lib/index.js')).href
    : 'oidc-provider'
);

const REDIRECT_URI = 'http://127.0.0.1/callback';
const SCOPE = 'api offline_access';
const CLIENT = {
  client_id: 'bench',
  redirect_uris: [REDIRECT_URI],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  application_type: 'native',
  scope: SCOPE,
};
const CHECKER = {
  client_id: 'checker',
  client_secret: 'checker-secret',
  redirect_uris: [],
  response_types: [],
  grant_types: ['client_credentials'],
};

async function sqliteAdapter(file) {
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec(
    'CREATE TABLE IF NOT EXISTS model (key TEXT PRIMARY KEY, grant_id TEXT,' +
      ' payload TEXT NOT NULL)',
  );
  db.exec('CREATE INDEX IF NOT EXISTS by_grant ON model (grant_id)');
  const put = db.prepare('INSERT OR REPLACE INTO model VALUES (?, ?, ?)');
  const get = db.prepare('SELECT payload FROM model WHERE key = ?');
  const remove = db.prepare('DELETE FROM model WHERE key = ?');
  const revoke = db.prepare('DELETE FROM model WHERE grant_id = ?');
  const consume = db.prepare(
    "UPDATE model SET payload = json_set(payload, '$.consumed', ?) WHERE key = ?",
  );
  return class SqliteAdapter {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload) {
      put.run(this.key(id), payload.grantId ?? null, JSON.stringify(payload));
    }

    async find(id) {
      const row = get.get(this.key(id));
      return row && JSON.parse(row.payload);
    }

    async consume(id) {
      consume.run(Math.floor(Date.now() / 1000), this.key(id));
    }

    async destroy(id) {
      remove.run(this.key(id));
    }

    async revokeByGrantId(grantId) {
      revoke.run(grantId);
    }

    async findByUid() {}

    async findByUserCode() {}
  };
}

const server = http.createServer();
await new Promise((done) => server.listen(Number(options.port), '127.0.0.1', done));
const url = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(url, {
  adapter: options.sqlite && (await sqliteAdapter(options.sqlite)),
  clients: [CLIENT, CHECKER],
  scopes: SCOPE.split(' '),
  rotateRefreshToken: true,
  pkce: { required: () => true },
  ttl: { AccessToken: 3600, RefreshToken: 86400, Grant: 86400, AuthorizationCode: 60 },
  issueRefreshToken: () => true,
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  cookies: { keys: ['bench'] },
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    registration: { enabled: true },
    registrationManagement: { enabled: true },
  },
});

async function mint(number) {
  const accountId = `user${number}-${randomBytes(4).toString('hex')}`;
  const client = await provider.Client.find(CLIENT.client_id);
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addOIDCScope(SCOPE);
  return { accountId, client, grantId: await grant.save(), scope: SCOPE };
}

async function mintGrant(number) {
  const shared = { ...(await mint(number)), gty: 'authorization_code' };
  const refresh = await new provider.RefreshToken({ ...shared, rotations: 0 }).save();
  const access = await new provider.AccessToken(shared).save();
  return { client_id: CLIENT.client_id, refresh_token: refresh, access_token: access };
}

async function mintCode(number) {
  const verifier = randomBytes(36).toString('base64url');
  const code = await new provider.AuthorizationCode({
    ...(await mint(number)),
    redirectUri: REDIRECT_URI,
    codeChallenge: createHash('sha256').update(verifier).digest('base64url'),
    codeChallengeMethod: 'S256',
  }).save();
  return { client_id: CLIENT.client_id, code, code_verifier: verifier };
}

async function answerLines(res, count, make) {
  for (let number = 0; number < count; number += 1) {
    res.write(`${JSON.stringify(await make(number))}\n`);
  }
  res.end();
}

async function protect(req, res) {
  const token = (req.headers.authorization ?? '').replace(/^Bearer /, '');
  const found = token && (await provider.AccessToken.find(token));
  const grant = found && !found.isExpired && (await provider.Grant.find(found.grantId));
  res.writeHead(grant ? 200 : 401, { 'content-length': 2 }).end('{}');
}

const callback = provider.callback();
server.on('request', (req, res) => {
  const { pathname, searchParams } = new URL(req.url, url);
  const count = Number(searchParams.get('count') ?? 1);
  if (pathname === '/bench/grants') answerLines(res, count, mintGrant);
  else if (pathname === '/bench/codes') answerLines(res, count, mintCode);
  else if (pathname === '/bench/protected') protect(req, res);
  else callback(req, res);
});
process.stderr.write(`listening on ${url}\n`);
