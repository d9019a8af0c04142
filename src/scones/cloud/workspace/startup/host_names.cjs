// Start-up hook of each Node.js in a workspace: resolves the local cloud's address with a host prefix.
//
// The AWS SDK for JavaScript puts `sync-` or `streaming-` before the host of some operations, and has no setting for
// all clients that turns this off. No resolver knows `sync-127.0.0.1`, so this hook looks up the address without its
// prefix. It has no effect on other names, or if AWS_ENDPOINT_URL is not set.
"use strict";

const dns = require("node:dns");

const PREFIXED = /^[a-z]+-(127\.0\.0\.1|localhost)$/;

if (process.env.AWS_ENDPOINT_URL) {
  const { lookup } = dns;
  dns.lookup = function (name, ...rest) {
    const match = PREFIXED.exec(name);
    return lookup.call(this, match ? match[1] : name, ...rest);
  };
}
