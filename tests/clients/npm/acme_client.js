/* A whole life with the library acme-client: what to do is JSON on standard input, made by test_libraries.py. */
'use strict';

const fs = require('fs');
const acme = require('acme-client');

const want = JSON.parse(fs.readFileSync(0, 'utf8'));

async function make(kind) {
    const [name, bits] = kind.split('-');
    return name === 'RSA' ? acme.crypto.createPrivateRsaKey(Number(bits)) : acme.crypto.createPrivateEcdsaKey(kind);
}

async function provide(authz, challenge, keyAuthorization) {
    const name = authz.identifier.value;

    if (challenge.type === 'http-01') {
        fs.writeFileSync(`${want.folder}/${challenge.token}`, keyAuthorization);
    }
    else if (challenge.type === 'dns-01') {
        fs.appendFileSync(`${want.folder}/_acme-challenge.${name}`, `${keyAuthorization}\n`);
    }
    else {
        const [key, certificate] = await acme.crypto.createAlpnCertificate(authz, keyAuthorization);
        fs.writeFileSync(`${want.folder}/${name}.crt.pem`, certificate);
        fs.writeFileSync(`${want.folder}/${name}.key.pem`, key);
    }
}

async function issue(client, file) {
    const altNames = want.identifiers.map((one) => one.value);
    const key = await make(want.certificate);
    const [, csr] = await acme.crypto.createCsr({ altNames }, key);
    const order = await client.createOrder({ identifiers: want.identifiers });

    for (const authz of await client.getAuthorizations(order)) {
        if (authz.status !== 'valid') {
            const challenge = authz.challenges.find((one) => one.type === want.challenge);
            await provide(authz, challenge, await client.getChallengeKeyAuthorization(challenge));
            await client.completeChallenge(challenge);
            await client.waitForValidStatus(challenge);
        }
    }
    const finalized = await client.finalizeOrder(order, csr);
    fs.writeFileSync(file, await client.getCertificate(finalized));
}

async function main() {
    acme.axios.defaults.acmeSettings.retryDefaultDelay = 0.1;
    const client = new acme.Client({
        directoryUrl: want.directory, accountKey: await make(want.account), backoffMin: 100, backoffMax: 500,
        externalAccountBinding: want.eab,
    });
    await client.createAccount({ termsOfServiceAgreed: true, contact: ['mailto:one@npm.test'] });
    const updated = await client.updateAccount({ contact: ['mailto:two@npm.test'] });
    if (updated.contact[0] !== 'mailto:two@npm.test') {
        throw new Error(`contact: ${updated.contact}`);
    }
    await issue(client, 'first.pem');
    if (want.life) {
        await client.updateAccountKey(await make(want.account));
        await issue(client, 'second.pem');
        await client.revokeCertificate(fs.readFileSync('first.pem'), { reason: 4 });
        const gone = await client.updateAccount({ status: 'deactivated' });
        console.log(gone.status);
    }
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
