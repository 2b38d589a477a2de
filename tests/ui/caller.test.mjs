// Who is shown as the caller for what stands in an INVITE, and what the pill says for a state.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf, nameAddr } from '../../admin-ui/agent/caller.js';
import { pill } from '../../admin-ui/agent/pill.js';

const known = (name, number, called = '') => ({ name, number, withheld: false, called });
const withheld = { name: '', number: '', withheld: true, called: '' };
const ADA = '"Ada Lovelace" <sip:4711@gw.invalid>;tag=1';

for (const [what, headers, expected] of [
    ['a name and a number', { From: ADA }, known('Ada Lovelace', '4711')],
    ['several tokens', { From: 'Ada King Lovelace <sip:4711@gw>' }, known('Ada King Lovelace', '4711')],
    ['an escaped quote', { From: '"Ada \\"K\\" <x>" <sip:4711@gw>' }, known('Ada "K" <x>', '4711')],
    ['no name', { From: '<sip:4711@gw>;tag=1' }, known('', '4711')],
    ['a name that is the number', { From: '"4711" <sip:4711@gw>' }, known('', '4711')],
    ['no brackets', { From: 'sip:4711@gw;tag=1' }, known('', '4711')],
    ['a tel URI', { From: '"Ada" <tel:+49-30;phone-context=x>' }, known('Ada', '+49-30')],
    ['an escaped number', { From: '<sip:%2B4930@gw>' }, known('', '+4930')],
    ['who is vouched for', { From: ADA, 'P-Asserted-Identity': '<tel:+4930>, <sip:4930@gw>' }, known('Ada Lovelace', '+4930')],
    ['a comma in a name', { From: ADA, 'P-Asserted-Identity': '"King, Ada" <sip:+4930@gw>, <tel:+4930>' }, known('King, Ada', '+4930')],
    ['privacy', { From: ADA, 'P-Asserted-Identity': '<sip:4711@gw>', Privacy: 'id;critical' }, withheld],
    ['privacy none', { From: ADA, Privacy: 'none' }, known('Ada Lovelace', '4711')],
    ['an anonymous one', { From: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1' }, withheld],
    ['an anonymous one who is vouched for', { From: '"Anonymous" <sip:anonymous@anonymous.invalid>', 'P-Asserted-Identity': '<sip:4711@gw>' }, known('', '4711')],
    ['nobody', { From: '<sip:gw.invalid>' }, withheld],
    ['nonsense', { From: '"' }, withheld],
    ['directions in a name', { From: '"\u202eA\u2066da\u200f" <sip:4711@gw>' }, known('Ada', '4711')],
    ['the number called', { From: ADA, 'P-Called-Party-ID': '<sip:0800123@gw>' }, known('Ada Lovelace', '4711', '0800123')],
    ['our own number called', { From: ADA, 'P-Called-Party-ID': '<sip:5001@gw>' }, known('Ada Lovelace', '4711')],
])
    test(`shows ${what}`, () => assert.deepEqual(callerOf((name) => headers[name], '5001'), expected));

test('what is no name-addr is none', () => assert.equal(nameAddr('<mailto:a@b>'), null));

const ready = { view: 'phone', registration: { state: 'registered' }, call: { state: 'idle' } };

for (const [text, change] of [
    ['Ready', {}],
    ['Ready', { call: { state: 'ended' } }],
    ['No calls from Genesys', { messages: { upstream: {} } }],
    ['Ringing', { messages: { upstream: {} }, call: { state: 'incoming' } }],
    ['Ringing', { call: { state: 'incoming' } }],
    ['Ringing', { call: { state: 'ringing' } }],
    ['Calling', { call: { state: 'calling' } }],
    ['On a call', { call: { state: 'connected' } }],
    ['Draining', { draining: true, call: { state: 'connected' } }],
    ['No microphone', { microphoneMissing: true, call: { state: 'connected' } }],
    ['Offline', { registration: { state: 'failed' } }],
    ['Offline', { offline: true, registration: { state: 'connecting' } }],
    ['Connecting…', { registration: { state: 'connecting' } }],
    ['Off shift', { view: 'shift', registration: { state: 'offline' } }],
    ['Signed in elsewhere', { view: 'shift', registration: { state: 'replaced' } }],
    ['Signed in elsewhere', { elsewhere: true, call: { state: 'connected' } }],
    ['Signed out', { view: 'signin', registration: { state: 'offline' } }],
])
    test(`the pill says ${text} for ${JSON.stringify(change)}`, () => assert.equal(pill({ ...ready, ...change }).text, text));
