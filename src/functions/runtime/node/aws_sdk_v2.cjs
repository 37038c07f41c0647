// The AWS SDK for JavaScript v2 knows no AWS_ENDPOINT_URL. Whoever requires it gets it with the endpoint set.
"use strict";
const Module = require("node:module");

const endpoint = process.env.AWS_ENDPOINT_URL;
const load = Module._load;
const seen = new WeakSet();

Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (!endpoint || !/^aws-sdk(\/|$)/.test(request)) return loaded;
  let core = null;
  try {
    core = request === "aws-sdk" ? loaded : load.call(this, "aws-sdk/global", ...rest);
  } catch {
    return loaded;
  }
  if (core && core.config && typeof core.config.update === "function" && !seen.has(core)) {
    seen.add(core);
    core.config.update({ endpoint, s3ForcePathStyle: true });
  }
  return loaded;
};
