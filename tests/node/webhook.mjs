// Verifies webhook requests by npm's standardwebhooks: reads [{"secret", "headers", "body"}] from the file named, prints
// for each "good" or why not.
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';

const results = [];
for (const { secret, headers, body } of JSON.parse(readFileSync(process.argv[2]))) {
  try {
    new Webhook(secret).verify(body, headers);
    results.push('good');
  } catch (error) {
    results.push(error.message);
  }
}
console.log(JSON.stringify(results));
