// Search on pages that are opened as files, where browsers refuse workers: a hidden frame does what
// the worker would. Only the parts of a worker that the theme's search needs.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.ready = new Promise((resolve) => {
        addEventListener("DOMContentLoaded", resolve, { once: true });
        if (document.readyState !== "loading") resolve();
      }).then(() => this.#load(url));
      addEventListener("message", (event) => {
        if (event.source !== this.frame.contentWindow) return;
        this.dispatchEvent(new MessageEvent("message", { data: event.data }));
      });
    }

    #load(url) {
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.eval("postMessage = (data) => parent.postMessage(data, '*')");
      inside.eval(`importScripts = (...urls) => Promise.all(urls.map((url) => new Promise((resolve) => {
        const script = document.createElement("script");
        script.src = url;
        script.onload = resolve;
        document.body.append(script);
      })))`);
      return inside.eval("importScripts")(url);
    }

    postMessage(data) {
      this.ready.then(() => {
        const event = new MessageEvent("message", { data });
        this.frame.contentWindow.dispatchEvent(event);
      });
    }

    terminate() {
      this.frame.remove();
    }
  };
}
