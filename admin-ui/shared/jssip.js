// JsSIP, of which each page that calls takes the same file.
export { C, UA, Utils, WebSocketInterface } from 'jssip';
