// Compiles Motoko sources to modules beside them, in 32-bit memory: node compile.cjs
// Counter.mo, in a folder where npm has installed package.json.
const fs = require('fs');
const path = require('path');
const mo = require('motoko').default || require('motoko');

const packages = path.join(path.dirname(require.resolve('motoko/package.json')), 'packages', 'latest');
mo.loadPackage(JSON.parse(fs.readFileSync(path.join(packages, 'core.json'), 'utf8')));
mo.compiler.gcFlags('classicOP');
mo.compiler.gcFlags('copying');
mo.compiler.gcFlags('force');
mo.setExtraFlags(['--legacy-actors']);
for (const file of fs.readdirSync('.').filter((f) => f.endsWith('.mo'))) {
  mo.write(file, fs.readFileSync(file, 'utf8')); // they may import each other
}
for (const file of process.argv.slice(2)) {
  try {
    const { wasm } = mo.wasm(file, 'ic');
    fs.writeFileSync(file.replace(/\.mo$/, '.wasm'), wasm);
  } catch (e) {
    console.error(`${file}: ${String(e.message || e).slice(0, 4000)}`);
    process.exitCode = 1;
  }
}
