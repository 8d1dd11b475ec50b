const soft = (z, lambda) => Math.sign(z) * Math.max(Math.abs(z) - lambda, 0);
export const map = ({ z }, { lambda = 0.5 }) => ({ kept: soft(z, lambda) });
