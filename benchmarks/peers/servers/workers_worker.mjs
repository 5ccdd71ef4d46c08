// The Worker that workers_oauth_provider.mjs runs: Cloudflare's provider, as its
// README sets one Worker up, with an /authorize that approves at once.

import { OAuthProvider } from '@cloudflare/workers-oauth-provider';

let users = 0;

const approve = {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== '/authorize') {
      return new Response(null, { status: 404 });
    }
    const asked = await env.OAUTH_PROVIDER.parseAuthRequest(request);
    const userId = `user${(users += 1)}`;
    const { redirectTo } = await env.OAUTH_PROVIDER.completeAuthorization({
      request: asked,
      userId,
      metadata: {},
      scope: asked.scope,
      props: { userId },
    });
    return Response.redirect(redirectTo, 302);
  },
};

export default new OAuthProvider({
  apiRoute: '/bench/protected',
  apiHandler: { fetch: () => Response.json({}) },
  defaultHandler: approve,
  authorizeEndpoint: '/authorize',
  tokenEndpoint: '/oauth/token',
  clientRegistrationEndpoint: '/oauth/register',
  resourceMetadata: { resource: 'https://bench.example/bench/protected' },
  // Refusals are what is counted; nobody reads them in a log.
  onError: () => {},
});
