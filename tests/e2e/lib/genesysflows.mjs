// The flows that SIP Server makes an agent's endpoint go through, step by step as traces show them, on lib/genesys.mjs. Each resolves when
// it is done, with the leg and what the gateway said; what the page does meanwhile is the caller's.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { read } from './rtpend.mjs';

const REINVITE_MS = 12; // behind the ACK
const ACK_MS = 142; // behind the 2xx of a re-INVITE

const status = (msg, wanted, what) => assert.equal(msg.status, wanted, `${what}: ${msg.status} ${msg.get('Warning') ?? ''}`);

// The re-INVITE without SDP: the gateway offers, the ACK has one codec of `end`, and telephone-event.
async function offerless(leg, end, { how = {}, answer = {} } = {}) {
    const ok = await leg.reinvite(null, how);

    status(ok, 200, 're-INVITE without SDP');
    await sleep(ACK_MS);
    leg.ack(end.answer(ok.body, answer));
    return ok;
}

// The answer to the INVITE, which the page gives in ring(leg), however long that takes to look as it should.
function answeredBy(leg, ring) {
    const done = Promise.resolve(ring?.(leg));

    return Promise.race([leg.answered, done.then(() => leg.answered)]);
}

// Whose media the leg has: what the gateway offers within the dialog is answered for that one.
const attach = (leg, end) => (leg.reoffered = (msg) => end.answer(msg.body));

// 1 and 2: a call to an agent, who answers in the page, or (desktop) by NOTIFY. end: the caller's RTP. overtakes: the re-INVITE comes before
// the ACK. ring(leg): runs when it rings. offer: of end.offer().
export async function inbound(server, dn, end, { desktop = false, overtakes = false, reinvites = true, ring = null, offer = {}, after = () => {}, ...how } = {}) {
    const leg = server.leg(dn, how);
    let notified = null;

    attach(leg, end);
    leg.invite(end.offer(offer));
    const ringing = await leg.ringing;
    if (desktop) {
        await sleep(1);
        notified = leg.notify('talk');
    }
    const ok = await answeredBy(leg, ring);
    if (notified) status(await notified, 200, 'NOTIFY talk');
    status(ok, 200, `INVITE to ${dn}`);
    assert.equal(read(ok.body).codecs.filter((pt) => pt !== read(ok.body).event).length, 1, 'one codec');
    end.take(ok.body);
    if (!reinvites) {
        leg.ack();
        return { leg, ringing, ok };
    }
    if (!overtakes) {
        leg.ack();
        await sleep(REINVITE_MS);
    }
    const again = leg.reinvite(null);
    if (overtakes) leg.ack(null, { cseq: 1 });
    const offered = await again;
    status(offered, 200, 're-INVITE without SDP');
    assert.ok(read(offered.body).version > read(ok.body).version, 'the offer has a later version');
    await sleep(ACK_MS);
    leg.ack(end.answer(offered.body));
    await after(leg);
    return { leg, ringing, ok, offered };
}

// 3: MakeCall by RFC 3725 flow 1: the agent's leg first, without SDP and with NOTIFY talk. What then becomes of the far end (rings ms later)
// `outcome` says: 'answers'; 'refuses': ACK with a copy of the gateway's own offer, and BYE; 'silent': ACK and BYE with 0.0.0.0 after
// patience ms; 'nobody': no ACK is sent. ringback: an RTP end of a media server that rings first, until rung(leg). overtakes: a re-INVITE
// comes before the ACK with the answer.
export async function makeCall(server, dn, end, { rings = 500, outcome = 'answers', patience = 32000, ringback = null, rung = null, overtakes = false, ring = null, up = null, ...how } = {}) {
    const leg = server.leg(dn, how);

    attach(leg, end);
    leg.invite(null);
    const ringing = await leg.ringing;
    const notified = leg.notify('talk');
    const ok = await answeredBy(leg, ring);
    status(await notified, 200, 'NOTIFY talk');
    status(ok, 200, `INVITE without SDP to ${dn}`);
    await up?.(leg, ok); // the agent hears ringback
    if (ringback) {
        leg.ack(ringback.answer(ok.body));
        ringback.play(400);
        await (rung ? rung(leg) : sleep(rings));
        ringback.play(null);
        const offered = await offerless(leg, end);
        return { leg, ringing, ok, offered };
    }
    await sleep(outcome === 'silent' ? patience : rings);
    if (outcome === 'nobody') return { leg, ringing, ok };
    if (overtakes) {
        const again = leg.reinvite(null);
        await sleep(5);
        leg.ack(end.answer(ok.body), { cseq: 1 });
        const offered = await again;
        status(offered, 200, 're-INVITE without SDP');
        await sleep(ACK_MS);
        leg.ack(end.answer(offered.body));
    } else if (outcome === 'answers') {
        leg.ack(end.answer(ok.body));
    } else if (outcome === 'refuses') {
        leg.ack(ok.body);
        status(await leg.bye({ reason: 'SIP;cause=403;text="Forbidden"' }), 200, 'BYE');
    } else {
        leg.ack(end.offer({ address: '0.0.0.0', codecs: [0, 101] }).replace(/pcmu/, 'PCMU').replace(/port/, ''));
        const gone = await leg.bye();
        assert.ok(gone.status === 200 || gone.status === 481, `BYE: ${gone.status}`); // the gateway may have given up just before
    }
    return { leg, ringing, ok };
}

// 4: our leg is led elsewhere: to `end`, as direction says ('inactive', 'sendonly', '' …), with an SDP or without; zero: 0.0.0.0. Another
// uuid: the call has become another one, as after a transfer. Resolves with the gateway's 200.
export async function lead(leg, end, { sdp = true, direction = null, zero = false, codecs, uuid, version = 1, codec = null } = {}) {
    const address = zero ? '0.0.0.0' : end.address;

    attach(leg, end);
    if (!sdp) return offerless(leg, end, { how: { uuid }, answer: { direction, address, codec, version } });
    const ok = await leg.reinvite(end.offer({ direction: direction ?? '', address, version, ...(codecs && { codecs }) }), { uuid });
    status(ok, 200, `re-INVITE ${direction ?? ''}`);
    end.take(ok.body);
    leg.ack();
    return ok;
}

export const hold = (leg, music, how = {}) => lead(leg, music, { direction: 'sendonly', ...how });
export const retrieve = (leg, end, how = {}) => lead(leg, end, how);
// The other party becomes a third one, in a call with another UUID.
export const transfer = (leg, third, uuid, how = {}) => lead(leg, third, { sdp: false, uuid, ...how });
// All go to a mixer.
export const conference = (leg, mixer, how = {}) => lead(leg, mixer, { sdp: false, ...how });

// 5: what an agent dials. early: an RTP end that is heard before the answer, until rung(leg) or for so long; code: what it comes to.
export async function outbound(server, end, { early = null, rings = 300, rung = null, code = 200, reason = 'OK', wanted, headers = [] } = {}) {
    const leg = await server.call(wanted);

    attach(leg, end);
    const progress = [early ? 183 : 180, early ? 'Session Progress' : 'Ringing', early ? early.answer(leg.invitation.body) : null, { headers }];
    leg.reply(...progress);
    if (server.seed !== null) for (const ms of [100, 200]) setTimeout(() => leg.reply(...progress), ms); // nobody would send it again
    early?.play(400);
    await (rung ? rung(leg) : sleep(rings));
    early?.play(null);
    if (code >= 300) {
        await leg.reply(code, reason);
        return { leg };
    }
    await leg.reply(code, reason, end.answer(leg.invitation.body), { headers: [['X-Genesys-CallUUID', leg.uuid], ...headers] });
    return { leg };
}

// 6: keys that the desktop presses.
export async function press(leg, digits) {
    for (const digit of digits)
        status(await leg.notify('dtmf', { type: 'application/dtmf-relay', body: `Signal=${digit}\r\nDuration=160\r\n` }), 200, `NOTIFY dtmf ${digit}`);
}

// 7: headers that SIP Server has of others.
export const OTHERS_HEADERS = [
    ['X-Genesys-ANI', '+4930123456'],
    ['P-Asserted-Identity', '"Ada Lovelace" <sip:+4930123456@sip.example.com>'],
    ['User-to-User', '48656c6c6f;encoding=hex'],
    ['Diversion', '<sip:8000@sip.example.com>;reason=unconditional'],
    ['History-Info', '<sip:8000@sip.example.com>;index=1'],
];

// 8: what crosses what. Each takes (server, dn, end, answer), answer(leg): the page answers.
export const crossings = {
    // CANCEL is on its way when the 200 comes: whoever wins, nothing stays.
    async 'CANCEL crosses the 200'(server, dn, end, answer) {
        const leg = server.leg(dn);
        leg.invite(end.offer());
        await leg.ringing;
        const done = answer(leg);
        await Promise.race([leg.answered, sleep(20)]);
        const cancelled = leg.cancel();
        const final = await leg.answered;
        if (final.status === 200) {
            leg.ack();
            await leg.bye();
        } else {
            status(final, 487, 'CANCEL');
        }
        await Promise.allSettled([done, cancelled]);
        return leg;
    },
    async 'the ACK comes 1.6 s late'(server, dn, end, answer) {
        const leg = server.leg(dn);
        leg.invite(end.offer());
        await leg.ringing;
        await answer(leg);
        status(await leg.answered, 200, 'INVITE');
        await sleep(1600);
        leg.ack();
        await lead(leg, end);
        await leg.bye();
        return leg;
    },
    async 'BYE while a re-INVITE is open'(server, dn, end, answer) {
        const leg = server.leg(dn);
        leg.invite(end.offer());
        await leg.ringing;
        await answer(leg);
        status(await leg.answered, 200, 'INVITE');
        leg.ack();
        const again = leg.reinvite(null);
        const gone = leg.bye();
        await Promise.allSettled([again, gone]);
        status(await gone, 200, 'BYE');
        return leg;
    },
};
