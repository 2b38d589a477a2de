// What JSX becomes: admin-ui/build.mjs gives it to each file.
export { Fragment as $Fragment, h as $h } from 'preact';
