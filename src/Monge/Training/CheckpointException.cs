namespace Monge.Training;

/// <summary>A checkpoint that can't be resumed; the message says which, why and what to do, in one sentence.</summary>
public sealed class CheckpointException(string message, Exception? cause = null) : Exception(message, cause);
