// Prints what the published JavaScript encoder of GPT-2 makes of tests/text/strings.json.
// SPDX-License-Identifier: Apache-2.0
//
//   node make_expected.js VOCAB_DIR strings.json > expected.json
//
// VOCAB_DIR is filled by scripts/fetch-gpt2-vocab. The output, one string a line:
//   texts, white_space_differs   ids of each string, in the order of strings.json
//   bytes                        [what TextDecoder shows of them, the ids of that text]
//   long_words                   [repeated string, count, ids]: too long to be written out in a file
//   classes                      [first, last, class] for all code points; L, N, s (\s), o (other),
//                                u (not assigned in the Unicode version of this JavaScript engine)
'use strict';
const fs = require('fs');
const path = require('path');

const [vocabDir, stringsFile] = process.argv.slice(2);
const {encode} = require(path.resolve(vocabDir, 'Encoder.js'));
const strings = JSON.parse(fs.readFileSync(stringsFile, 'utf8'));

function decodeBytes(hex) {
  const text = new TextDecoder('utf-8', {ignoreBOM: true}).decode(Buffer.from(hex, 'hex'));
  return [text, encode(text)];
}

function classOf(c) {
  if (c >= 0xd800 && c <= 0xdfff) return 'o';
  const s = String.fromCodePoint(c);
  if (/\s/u.test(s)) return 's';
  if (/\p{L}/u.test(s)) return 'L';
  if (/\p{N}/u.test(s)) return 'N';
  return /\p{Cn}/u.test(s) ? 'u' : 'o';
}

function classes() {
  const ranges = [];
  for (let c = 0; c <= 0x10ffff; c++) {
    const k = classOf(c);
    const last = ranges[ranges.length - 1];
    if (last && last[2] === k) last[1] = c;
    else ranges.push([c, c, k]);
  }
  return ranges;
}

const longWords = [['a', 1500], ['ab', 700], ['0', 1000], ['-=', 600]];
const sections = {
  texts: strings.texts.map((s) => encode(s)),
  white_space_differs: strings.white_space_differs.map((s) => encode(s)),
  bytes: strings.bytes.map(decodeBytes),
  long_words: longWords.map(([s, n]) => [s, n, encode(s.repeat(n))]),
  classes: classes(),
};
const lines = Object.entries(sections).map(
    ([name, rows]) => `"${name}": [\n${rows.map((r) => JSON.stringify(r)).join(',\n')}\n]`);
process.stdout.write(`{\n${lines.join(',\n')}\n}\n`);
