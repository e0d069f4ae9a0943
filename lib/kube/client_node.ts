/**
 * All that is used of client-node at run time. A module of its own, so that it can be imported late
 * and a bundler still leaves out the rest.
 *
 * @module
 */
export { KubeConfig } from "@kubernetes/client-node";
