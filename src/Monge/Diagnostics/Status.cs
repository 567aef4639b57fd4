namespace Monge.Diagnostics;

/// <summary>How a computation ended.</summary>
public enum StatusCode
{
    /// <summary>As it should.</summary>
    Success,

    /// <summary>With a result that should be read with care.</summary>
    Warning,

    /// <summary>Before its tolerance was reached.</summary>
    NotConverged,

    /// <summary>Because the time or iteration budget was used up.</summary>
    BudgetExhausted,

    /// <summary>Because it was asked to stop.</summary>
    Cancelled,

    /// <summary>Because a value became NaN or infinite.</summary>
    NonFinite,

    /// <summary>For another reason, without a usable result.</summary>
    Failed,
}

/// <summary>How a computation ended, why, and what to do about it.</summary>
/// <param name="Code">The kind of ending.</param>
/// <param name="Cause">What was observed, a plain phrase without a full stop; empty for a success.</param>
/// <param name="Advice">What to do, a plain phrase without a full stop; empty for a success.</param>
public sealed record Status(StatusCode Code, string Cause, string Advice)
{
    /// <summary>Ended as it should.</summary>
    public static Status Success { get; } = new(StatusCode.Success, "", "");

    /// <summary>Whether the code is <see cref="StatusCode.Success"/>.</summary>
    public bool IsSuccess => Code == StatusCode.Success;

    /// <summary>Cause and advice in one line, such as "weights dominated by 3 samples: widen the base or raise --budget".</summary>
    public string Message => Advice.Length == 0 ? Cause : $"{Cause}: {Advice}";

    /// <summary>A result that should be read with care.</summary>
    /// <param name="cause">What was observed.</param>
    /// <param name="advice">What to do.</param>
    public static Status Warn(string cause, string advice) => new(StatusCode.Warning, cause, advice);

    /// <summary>A result that is of no use.</summary>
    /// <param name="cause">What was observed.</param>
    /// <param name="advice">What to do.</param>
    public static Status Fail(string cause, string advice) => new(StatusCode.Failed, cause, advice);

    /// <inheritdoc/>
    public override string ToString() => IsSuccess ? "success" : Message;
}
