// Pictures from bytes that came with an answer of the kernel.

const PNG_START = 0x89; // first byte of every PNG

const bytesOf = (view) => new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength);

/** Object URLs of one screen; `clear` frees the last screen's, so memory stays flat. */
function pictures() {
  let urls = [];
  return {
    url(view) {
      const bytes = bytesOf(view);
      const type = bytes[0] === PNG_START ? "image/png" : "image/jpeg";
      const url = URL.createObjectURL(new Blob([bytes], { type }));
      urls.push(url);
      return url;
    },
    clear() {
      urls.forEach((url) => URL.revokeObjectURL(url));
      urls = [];
    },
  };
}

/** A grey PNG or JPEG, ready to be drawn; its values are read when window or level first asks for them. */
async function decodeGrey(view) {
  const picture = await createImageBitmap(new Blob([bytesOf(view)]));
  const { width, height } = picture;
  let data = null;
  return {
    width,
    height,
    picture,
    get data() {
      data ??= greysOf(picture);
      return data;
    },
  };
}

function greysOf(picture) {
  const { width, height } = picture;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const colours = context.getImageData(0, 0, width, height).data; // red, green, blue and opacity of each pixel
  const greys = new Uint8Array(width * height);
  for (let i = 0; i < greys.length; i++) greys[i] = colours[4 * i];
  return greys;
}

/** A patch with the model's map over it, and a slider for how much of the map shows. */
function mapOverPatch(patchUrl, mapUrl, note) {
  const map = el("img", { src: mapUrl, alt: "Class-activation map of the patch", class: "map" });
  const fade = () => {
    map.style.opacity = slider.value;
  };
  const slider = el("input", { type: "range", min: 0, max: 1, step: 0.05, value: 0.45, oninput: fade });
  fade();
  const stack = el("div", { class: "stack" }, el("img", { src: patchUrl, alt: "" }), map);
  return el("figure", { class: "overlay" }, stack, field("Map opacity", slider), el("figcaption", {}, note));
}
