// In the page's head. What the browser keeps is kept for each user apart, since people may share a browser.
(() => {
  const account = document.cookie.match(/(?:^|; )dateline-account=([0-9a-f]+)/)?.[1];
  if (!account) return;
  const OWN = ["dateline-conversations", "dateline-settings"];
  for (const name of ["getItem", "setItem", "removeItem"]) {
    const plain = Storage.prototype[name];
    Storage.prototype[name] = function (key, ...rest) {
      return plain.call(this, OWN.includes(key) ? `${key}-${account}` : key, ...rest);
    };
  }
})();
