// What charts are drawn from: figures from the API, and the library, which is loaded only where
// there is a chart, after the first paint.

let library;

export async function toldBy(address) {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(errorOf(text) || `${address} answered ${answer.status}`);
  return text;
}

function errorOf(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return "";
  }
}

export function loaded() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.plotly;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      library = undefined;
      reject(new Error("the charts' library did not come; reload the page"));
    };
    document.head.append(script);
  });
  return library;
}
