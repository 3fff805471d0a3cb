// The page's start, as soon as the document is there. Gradio's own scripts follow when the page has had its time.
import { start } from "./page.js";

const GRADIO_MILLISECONDS = 3000; // long enough that Gradio's scripts do not delay the first photos

const frame = document.querySelector("gradio-app");
start(frame.querySelector(".pg").parentElement);
setTimeout(() => import(new URL(frame.dataset.script, document.baseURI)), GRADIO_MILLISECONDS);
