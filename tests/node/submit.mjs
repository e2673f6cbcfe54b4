// Sends one message by nodemailer: HOST PORT METHOD USER PASSWORD-OR-TOKEN. Exits 1 with the server's words when refused.
import nodemailer from "nodemailer";

const [host, port, method, user, secret] = process.argv.slice(2);
const auth = method === "XOAUTH2" ? { type: "OAuth2", user, accessToken: secret } : { user, pass: secret };
const transport = nodemailer.createTransport({
  host,
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  authMethod: method,
  auth,
});
try {
  const sent = await transport.sendMail({
    from: "from@sender.test",
    to: "to@sink.test",
    subject: `nodemailer by ${method}`,
    text: "Hello.",
  });
  console.log(sent.response);
} catch (e) {
  console.error(e.response ?? e.message);
  process.exitCode = 1;
}
