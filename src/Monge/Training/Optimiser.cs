namespace Monge.Training;

/// <summary>
/// How parameters p follow their gradient g. All of them are one recursion, elementwise, with numbers that depend on the step alone:
/// <code>
/// m = a m + (1 - a) g,   v = b v + (1 - b) g^2,   p = shrink p - rate m / (sqrt(scale v) + guard)
/// </code>
/// </summary>
public abstract record Optimiser
{
    /// <summary>The numbers of a step.</summary>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="step">The step, from 1.</param>
    public abstract UpdateNumbers At(double learningRate, long step);
}

/// <summary>The numbers of the recursion of <see cref="Optimiser"/> in one step.</summary>
/// <param name="FirstDecay">a.</param>
/// <param name="SecondDecay">b.</param>
/// <param name="Rate">rate.</param>
/// <param name="SecondScale">scale; 0 with a guard of 1 leaves the steps unscaled.</param>
/// <param name="Guard">guard.</param>
/// <param name="Shrink">shrink.</param>
public readonly record struct UpdateNumbers(double FirstDecay, double SecondDecay, double Rate, double SecondScale, double Guard, double Shrink = 1);

/// <summary>
/// Adam (D. Kingma and J. Ba, arXiv:1412.6980); with a weight decay AdamW, whose decay is apart from the gradient (I. Loshchilov and F. Hutter,
/// arXiv:1711.05101):
/// p loses rate x decay x p beside the step.
/// </summary>
/// <param name="FirstDecay">Decay of the mean gradient, in [0, 1).</param>
/// <param name="SecondDecay">Decay of the mean squared gradient, in [0, 1).</param>
/// <param name="Guard">Added to the root of the mean square.</param>
/// <param name="WeightDecay">The weight decay.</param>
public sealed record Adam(double FirstDecay = 0.9, double SecondDecay = 0.99, double Guard = 1e-8, double WeightDecay = 0) : Optimiser
{
    /// <inheritdoc/>
    public override UpdateNumbers At(double learningRate, long step)
    {
        var first = 1 - Math.Pow(FirstDecay, step);
        var second = 1 - Math.Pow(SecondDecay, step);
        return new UpdateNumbers(FirstDecay, SecondDecay, learningRate / first, 1 / second, Guard, 1 - (learningRate * WeightDecay));
    }
}

/// <summary>
/// Rectified Adam (L. Liu et al., arXiv:1908.03265, Algorithm 2): while the squares are known from too few gradients the step is not scaled by them, later it
/// is shortened by
/// how uncertain they are.
/// </summary>
/// <param name="FirstDecay">Decay of the mean gradient, in [0, 1).</param>
/// <param name="SecondDecay">Decay of the mean squared gradient, in [0, 1).</param>
/// <param name="Guard">Added to the root of the mean square.</param>
public sealed record RectifiedAdam(double FirstDecay = 0.9, double SecondDecay = 0.999, double Guard = 1e-8) : Optimiser
{
    /// <inheritdoc/>
    public override UpdateNumbers At(double learningRate, long step)
    {
        var power = Math.Pow(SecondDecay, step);
        var limit = (2 / (1 - SecondDecay)) - 1;
        var length = limit - (2 * step * power / (1 - power));
        var rate = learningRate / (1 - Math.Pow(FirstDecay, step));
        return length <= 4
            ? new UpdateNumbers(FirstDecay, SecondDecay, rate, 0, 1)
            : new UpdateNumbers(
                FirstDecay, SecondDecay, rate * Math.Sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)), 1 / (1 - power), Guard);
    }
}

/// <summary>Gradient descent with momentum (B. Polyak 1964): u = momentum u + g, p = p - rate u. The first moment kept is (1 - momentum) u.</summary>
/// <param name="Momentum">The momentum, in [0, 1); 0 for none.</param>
public sealed record GradientDescent(double Momentum = 0.9) : Optimiser
{
    /// <inheritdoc/>
    public override UpdateNumbers At(double learningRate, long step) => new(Momentum, 0, learningRate / (1 - Momentum), 0, 1);
}

/// <summary>RMSProp (T. Tieleman and G. Hinton 2012): the gradient divided by the root of its mean square.</summary>
/// <param name="Decay">Decay of the mean squared gradient, in [0, 1).</param>
/// <param name="Guard">Added to the root of the mean square.</param>
public sealed record RootMeanSquare(double Decay = 0.99, double Guard = 1e-8) : Optimiser
{
    /// <inheritdoc/>
    public override UpdateNumbers At(double learningRate, long step) => new(0, Decay, learningRate, 1, Guard);
}
