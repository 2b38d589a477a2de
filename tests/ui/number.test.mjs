// What may be pasted into the dial field, and what is dialled for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LONGEST, readNumber } from '../../admin-ui/agent/number.js';

const taken = [
    ['600', '600'],
    [' 600\n', '600'],
    ['(0681) 30-12.34/5', '06813012345'],
    ['+1 (201) 555-0123', '+12015550123'],
    ['[030] {12} <34>', '0301234'],
    ['+49\u00a030\u2009123\u202f45\u300067', '+49301234567'],
    ['030\u2013123\u2014456\u2011789\u2212000', '030123456789000'],
    ['030 · 12 • 34', '0301234'],
    ['\uff10\uff13\uff10\uff0d\uff11\uff12', '03012'],
    ['\uff0b\uff14\uff19\uff08\uff13\uff10\uff09', '+4930'],
    ['\u0660\u0661\u0662\u06f3\u06f4\u096b', '012345'],
    ['\uff10\uff13\u30fc\uff11\uff12', '0312'],
    ['\u0967\u0968\u{1d7d8}', '120'],
    ['\u202a+49 30\u202c\u200b 12\u200e34\ufeff', '+49301234'],
    ['12\u00ad34', '1234'],
    ['*21*600#', '*21*600#'],
    ['\uff0a21\uff03', '*21#'],
    ['tel:+49-30-1234', '+49301234'],
    ['TEL:+49.30', '+4930'],
    ['<tel:+4930>', '+4930'],
    ['callto:+49301234', '+49301234'],
    ['tel://+4930', '+4930'],
    ['Tel.: 030 12', '03012'],
    ['tel:%2B4930%2012', '+493012'],
    ['agent.one', 'agent.one'],
    ['a-5001_x', 'a-5001_x'],
    ['5001a', '5001a'],
    ['1 800 FLOWERS', '1800FLOWERS'],
    ['', ''],
    [' - ', ''],
    ['1'.repeat(LONGEST), '1'.repeat(LONGEST)],
];

for (const [text, number] of taken)
    test(`${JSON.stringify(text)} dials ${number || 'nothing'}`, () => assert.deepEqual(readNumber(text), { number, dropped: [], refused: '', length: 0 }));

for (const [text, number, dropped] of [
    ['tel:7042;phone-context=example.com', '7042', [';phone-context=example.com']],
    ['tel:+1-201-555-0123;ext=7', '+12015550123', [';ext=7']],
    ['sip:600@gw.example;user=phone', '600', ['@gw.example;user=phone']],
    ['sips:agent.one@gw.example', 'agent.one', ['@gw.example']],
    ['+49 (0)30 123', '+4930123', ['(0)']],
    ['+49 ( 0 ) 30', '+4930', ['( 0 )']],
])
    test(`${text} dials ${number} and says what is left out`, () => assert.deepEqual(readNumber(text), { number, dropped, refused: '', length: 0 }));

for (const [text, refused] of [
    ['600é', 'é'],
    ['600e\u0301', 'é'],
    ['1½', '½'],
    ['5²', '²'],
    ['1\u20e3', '\u20e3'],
    ['600,,12', ','],
    ['600;1', ';'],
    ['60\u{1f4de}0', '\u{1f4de}'],
    ['600@gw', '@'],
    ['1+2', '+'],
    ['++49', '+'],
    ['+', '+'],
    ['600=5', '='],
    ['tel:600%', '%'],
    ['"600"', '"'],
])
    test(`${text} is refused for ${refused}`, () => assert.deepEqual([readNumber(text).number, readNumber(text).refused], ['', refused]));

test('too long is refused, not cut', () => assert.deepEqual(readNumber('12 '.repeat(32)), { number: '', dropped: [], refused: '', length: 64 }));
