// Verifies or signs messages by mailauth: reads a job from the file named, prints what came of it. All as JSON.
//   verify: {"verify": ["file", ...], "records": {"name": "TXT value"}} -> [["pass", "neutral (reason)"], ...]
//   sign:   {"sign": ["file", ...], "domain", "selector", "key": "PEM", "algorithm"} -> ["DKIM-Signature: ...", ...]
import { readFileSync } from 'node:fs';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';

const job = JSON.parse(readFileSync(process.argv[2]));

async function resolver(name, type) {
  const found = job.records[name.toLowerCase()];
  if (type === 'TXT' && found) return [[found]];
  const error = new Error(`no ${type} of ${name}`);
  error.code = 'ENOTFOUND';
  throw error;
}

const results = [];
for (const file of job.verify ?? []) {
  const { results: found } = await dkimVerify(readFileSync(file), { resolver });
  results.push(found.map(({ status }) => (status.comment ? `${status.result} (${status.comment})` : status.result)));
}
for (const file of job.sign ?? []) {
  const { signatures, errors } = await dkimSign(readFileSync(file), {
    canonicalization: job.canonicalization,
    signatureData: [{ signingDomain: job.domain, selector: job.selector, privateKey: job.key, algorithm: job.algorithm }],
  });
  if (errors.length) throw errors[0].err;
  results.push(signatures);
}
console.log(JSON.stringify(results));
