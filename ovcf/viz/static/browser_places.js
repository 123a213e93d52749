// Links to one patch, and the web browser's own Back: only where the page is ours (Voila), not in JupyterLab.

const PATCH_PART = "#patch=";

/** `list` shows the list, `patch` a named patch, when the reader goes back and forth or follows a link. */
function pagePlaces({ list, patch }) {
  const ours = Boolean(document.body.dataset.voila);
  const linked = () => {
    const { hash } = window.location;
    return ours && hash.startsWith(PATCH_PART) ? decodeURIComponent(hash.slice(PATCH_PART.length)) : "";
  };
  const bare = () => window.location.pathname + window.location.search;
  const moved = () => (linked() ? patch(linked()) : list());
  if (ours) {
    window.history.scrollRestoration = "manual";
    window.addEventListener("popstate", moved);
  }
  return {
    linked,
    /** A patch is shown; `anew` when it was opened from the list. */
    enter(patch_id, anew) {
      if (!ours) return;
      const place = PATCH_PART + encodeURIComponent(patch_id);
      if (anew) window.history.pushState({ fromList: true }, "", place);
      else window.history.replaceState(window.history.state, "", place);
    },
    /** Go back to the list; false where the caller has to show it. */
    leave() {
      if (ours && window.history.state?.fromList) {
        window.history.back();
        return true;
      }
      if (ours) window.history.replaceState(null, "", bare());
      return false;
    },
    close: () => window.removeEventListener("popstate", moved),
  };
}
