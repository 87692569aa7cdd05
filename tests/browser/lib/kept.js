// What a browser keeps of a page's origin, where any script of it could read.

/** Everything in localStorage, sessionStorage, IndexedDB and the origin's own files: where it lies, and its bytes as characters up to 255. */
export function kept(page) {
  return page.evaluate(async () => {
    const characters = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    const plain = (value) => {
      if (value instanceof ArrayBuffer) return characters(new Uint8Array(value));
      if (ArrayBuffer.isView(value)) return characters(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      if (value !== null && typeof value === "object") return Object.entries(value).flat().map(plain).join("\n");
      return characters(new TextEncoder().encode(String(value)));
    };
    const done = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const all = [];
    const keep = (where, key, value) => all.push([`${where}: ${key}`, plain([key, value])]);

    for (const [where, storage] of Object.entries({ localStorage, sessionStorage })) {
      for (const [key, value] of Object.entries(storage)) keep(where, key, value);
    }
    for (const { name } of await indexedDB.databases()) {
      const database = await done(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const objects = database.transaction(store).objectStore(store);
        const [keys, values] = await Promise.all([done(objects.getAllKeys()), done(objects.getAll())]);
        keys.forEach((key, at) => keep(`IndexedDB ${name} ${store}`, key, values[at]));
      }
      database.close();
    }
    const files = async (folder, path) => {
      for await (const [name, entry] of folder.entries()) {
        if (entry.kind === "directory") await files(entry, `${path}/${name}`);
        else keep(`files ${path}`, name, await (await entry.getFile()).arrayBuffer());
      }
    };
    await files(await navigator.storage.getDirectory(), "");
    return all;
  });
}

/** Which of these secrets, named buffers, lie in the clear in what is kept: as they are, or as digits or letters. */
export function inTheClear(kept, secrets) {
  const forms = (secret) => ["latin1", "hex", "base64"].map((form) => secret.toString(form).replace(/=+$/, ""));
  return kept.flatMap(([where, text]) =>
    Object.entries(secrets)
      .filter(([, secret]) => forms(secret).some((form) => text.includes(form)))
      .map(([name]) => `${name} in ${where}`),
  );
}
