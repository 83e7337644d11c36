import { defineConfig } from "vite";

// File names carry no hash and nothing of the machine that builds: the same sources give the same bytes, which
// `.ci/run` compares with the committed dist/.
export default defineConfig({
  build: {
    target: "es2022",
    // The polyfill is an inline script, which the content security policy refuses.
    modulePreload: false,
    // No `data:` URLs for what is a file.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    sourcemap: false,
    reportCompressedSize: false,
    license: { fileName: "licenses.txt" },
    rolldownOptions: {
      // TanStack marks its modules for React servers, which say nothing here.
      checks: { moduleLevelDirective: false },
      output: {
        entryFileNames: "studio.js",
        chunkFileNames: "[name].js",
        assetFileNames: "[name][extname]",
      },
    },
  },
});
