/**
 * What a custodian asks of whoever holds a secret key: the slots of one ciphertext.
 *
 * The only implementation that holds a key is a process of its own (decryptor-host.ts); tests use one that holds none.
 */

/** Decrypts ciphertexts of one key. */
export interface SlotDecryptor {
  /** The slots, each below the plaintext modulus. Rejects for a ciphertext that is none of this key's parameters. */
  decrypt(ciphertext: Uint8Array): Promise<BigUint64Array>;
  close(): Promise<void>;
}
