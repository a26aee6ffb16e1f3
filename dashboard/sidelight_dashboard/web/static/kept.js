// What the charts of a report are drawn from: figures and library stand in the file.

let library;

/** The figure whose data has this id. */
export async function toldBy(id) {
  return document.getElementById(id).textContent;
}

export function loaded() {
  library ??= unpacked();
  return library;
}

async function unpacked() {
  if (!window.DecompressionStream) throw new Error("this browser cannot unpack the charts; their numbers are in the tables");
  const packed = atob(document.getElementById("library").textContent);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  return window.Plotly;
}
