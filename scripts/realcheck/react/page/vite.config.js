import { defineConfig } from "vite";

// This is all that makes the library talk to another server: it reads the address when it is built into a page.
export default defineConfig({
  define: { "process.env.REACT_APP_AMP_SERVER": JSON.stringify(process.env.REACT_APP_AMP_SERVER) },
});
