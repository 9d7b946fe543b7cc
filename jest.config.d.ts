/** What test/runner/paths.ts reads of jest.config.js, and checks. */
declare const configuration: unknown;
export default configuration;
