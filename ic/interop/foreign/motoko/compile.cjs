// Compiles all Motoko sources of a folder to modules in 32-bit memory, in a folder where
// npm has installed package.json: node compile.cjs FROM TO
const fs = require('fs');
const path = require('path');
const mo = require('motoko').default || require('motoko');

const [from, to] = process.argv.slice(2);
const packages = path.join(path.dirname(require.resolve('motoko/package.json')), 'packages', 'latest');
mo.loadPackage(JSON.parse(fs.readFileSync(path.join(packages, 'core.json'), 'utf8')));
for (const flag of ['classicOP', 'copying', 'force']) mo.compiler.gcFlags(flag);
mo.setPublicMetadata(['candid:service', 'candid:args']);
const sources = fs.readdirSync(from).filter(f => f.endsWith('.mo'));
for (const file of sources) mo.write(file, fs.readFileSync(path.join(from, file), 'utf8')); // they may import each other
for (const file of sources) {
  try {
    fs.writeFileSync(path.join(to, file.replace(/\.mo$/, '.wasm')), mo.wasm(file, 'ic').wasm);
  } catch (e) {
    console.error(`${file}: ${String(e.message || e).slice(0, 4000)}`);
    process.exitCode = 1;
  }
}
