const path = require('node:path')

/** The server and what it needs in one folder, as an image wants it. */
module.exports = {
  output: 'standalone',
  basePath: process.env.NEXT_PUBLIC_BASE_PATH || '',
  // The packages are installed at the workspace's root, above this folder.
  experimental: { outputFileTracingRoot: path.join(__dirname, '..') },
  // Nothing is optimised at run time, so no native image library is needed.
  images: { unoptimized: true },
  poweredByHeader: false,
}
