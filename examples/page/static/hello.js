const output = document.querySelector('output');
document.querySelector('button').onclick = async () => {
  output.textContent = await (await fetch('/hello', { method: 'POST' })).text();
};
